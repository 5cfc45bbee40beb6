module github.com/headgate/headgate/examples/scorer

go 1.26.0

require github.com/headgate/headgate v0.0.0

require golang.org/x/sys v0.49.0 // indirect

replace github.com/headgate/headgate => ../..
