module github.com/stagelock/seccomp/integration/peers

go 1.26.3

replace github.com/stagelock/seccomp => ../..

require (
	github.com/elastic/go-seccomp-bpf v1.6.0
	github.com/seccomp/libseccomp-golang v0.11.1
	github.com/stagelock/seccomp v0.0.0-00010101000000-000000000000
	golang.org/x/net v0.52.0
	golang.org/x/sys v0.43.0
	gvisor.dev/gvisor v0.0.0-20260905035102-160fafc42237
)

require (
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	golang.org/x/exp v0.0.0-20250711185948-6ae5c78190dc // indirect
	golang.org/x/time v0.15.0 // indirect
)
