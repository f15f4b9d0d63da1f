package systemd

var seeds = []string{
	"SystemCallFilter=read write\nSystemCallFilter=~write\n",
	"SystemCallFilter=@known\nSystemCallFilter=\nSystemCallFilter=~\nSystemCallLog=~read\n",
	"SystemCallFilter=~@obsolete:0 @clock:4095\nSystemCallErrorNumber=kill\nSystemCallArchitectures=x86 x32\n",
	"; nothing\n[Service]\r\nSystemCallFilter = exit \\\r\n  exit_group\r\n",
}
