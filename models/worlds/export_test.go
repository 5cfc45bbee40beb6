package worlds

// Held returns the number of requests that a world holds, for tests of its memory.
func (w *World) Held() int { return len(w.requests) + len(w.free) }

// Acting returns the number of clients that a world holds.
func (w *World) Acting() int { return len(w.actors) }
