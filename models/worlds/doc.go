// Package worlds generates traffic to train models with: sites, people and adversaries of many
// kinds, mixed in virtual time, with known truth.
//
// A [World] is one episode: one to three sites with their own paths, habits and referrer policies,
// the people who visit them and the programs that do. All of it is drawn from the seed, so that
// only general facts are common to different worlds. What a proxy sees of it is drawn as well
// ([View]): an access log, a proxy without or with TLS fingerprints, or the bytes of the wire.
//
// What it promises:
//
//   - The stream depends only on the [Config], on every processor.
//   - Times never decrease; memory does not grow with the length of the episode.
//   - Requests of people are complete: their header fields are those of the engine and the release
//     that their user agent names, in its order, and their referers are those that the site's
//     policy allows.
//   - No site and no user agent is one of package gate, which judges models. Addresses are from
//     ranges that are unused on the Internet (10.0.0.0/8 and 2001:db8::/32), hosts end in
//     ".example".
//
// The shop of package simulator is for demonstrations. It has one site, always in use.
package worlds
