// Package corpus reads and writes recorded requests of known clients: which program sent them, and
// whether a person or an automation was behind it.
//
// A corpus is a folder of files, one for each family of clients, written by models/zoo. It holds
// what the clients sent (TLS hello, HTTP/2 frames, header fields in order and as spelled) and how
// they were answered, and no features, so that it outlives their changes. [Source] converts it to
// the events that a proxy would have reported, by the function that the proxy itself uses.
//
// # Format
//
// A file is JSON lines under gzip. The first line is a [Head]; each further one is an object with
// one field: "run" (a client with a site to visit, [Run]), "conn" (a connection of a run, [Conn])
// or "request" ([Request]). A run comes before its connections and these before their requests;
// requests come in the order in which they ended. Times are microseconds since Head.Recorded.
package corpus
