// Package model holds the protocol of package mmapsync as a model for the Spin model checker, and a
// test that runs Spin on it. There is nothing in it to call.
//
// protocol.pml says step by step which function of mmapsync each part stands for, what is checked,
// and what a model cannot say. A change of the order of two steps in mmapsync is made there first.
//
//	go test ./mmapsync/model                      # about three minutes
//	go test -short ./mmapsync/model               # smaller sizes
//	go test -timeout 0 ./mmapsync/model -large    # many more states, 2 GB of memory and more than an hour
//
// Of the large sizes one reader of two goroutines with a crash of the writer was searched to the
// end: 49 million states, before the model had store buffers. The others were searched for 15 to 20
// minutes on a busy machine, without an error and without coming to the end: two readers with two
// reads and four publications 170 million states; two readers with a death and a crash 122 million
// (before Acquire had its short way); two goroutines with two reads and four publications 92
// million. They are told apart by hash bits, so a few may be missed.
package model
