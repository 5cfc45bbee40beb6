package worlds

// Held is how many requests a world keeps, for tests of its memory.
func (w *World) Held() int { return len(w.requests) + len(w.free) }

// Acting is how many clients a world keeps.
func (w *World) Acting() int { return len(w.actors) }
