module github.com/headgate/headgate/examples/mmapsync

go 1.26.0

require github.com/headgate/headgate v0.0.0

require (
	github.com/dgryski/go-metro v0.0.0-20250106013310-edb8663e5e33 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/headgate/headgate => ../..
