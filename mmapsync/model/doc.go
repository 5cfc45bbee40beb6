// Package model holds the protocol of package mmapsync as a model for the Spin model checker, and a test that runs Spin
// on it. There is nothing in it to call.
//
// protocol.pml says step by step which function of mmapsync each part stands for, what is checked, and what a model
// cannot say. Whoever changes the order of two steps in mmapsync changes it there first.
//
//	go test ./mmapsync/model                      # about a minute
//	go test -short ./mmapsync/model               # smaller sizes
//	go test -timeout 0 ./mmapsync/model -large    # many more states, 2 GB of memory and more than an hour
package model
