module github.com/headgate/headgate/models/zoo

go 1.26.0

replace github.com/headgate/headgate => ../../

require (
	github.com/headgate/headgate v0.0.0-00010101000000-000000000000
	golang.org/x/net v0.62.0
	golang.org/x/sys v0.49.0
)

require (
	github.com/dgryski/go-metro v0.0.0-20250106013310-edb8663e5e33 // indirect
	github.com/philhofer/fwd v1.2.0 // indirect
	github.com/tinylib/msgp v1.6.5 // indirect
	golang.org/x/text v0.43.0 // indirect
)
