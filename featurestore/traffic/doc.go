// Package traffic is headgate's vocabulary: what a proxy knows of a request ([Event]), what traffic
// is grouped by ([Dimension]), and the list of all features ([Catalog]).
//
// What it promises:
//
//   - one definition of a feature serves the daemon, the request path and offline training. A
//     feature computed from the request alone is [RequestFeatures]; one computed from earlier
//     requests is declared as data in [Catalog] and folded by package window; [Vector] puts both
//     into the order of a model's inputs;
//   - an Event travels as msgp with named fields: a reader skips unknown fields and leaves missing
//     ones at their zero value, so daemon and proxies may be of different releases;
//   - no string in an Event is longer than its stated bound; a string that is cut leaves a hash of
//     the whole;
//   - an unknown feature is NaN, an unknown key or object is 0, never a guess;
//   - nothing here reads a clock, keeps state or allocates per request.
package traffic

//go:generate go tool msgp -file=event.go -o=event_gen.go -io=false -tests=false
//go:generate go test -count=1 -run ^TestFeaturePage$ . -update
