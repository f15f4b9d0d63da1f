module github.com/stagelock/seccomp

go 1.23.0
