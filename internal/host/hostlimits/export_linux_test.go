package hostlimits

// Abandon ends the process's part in the file as its death would: the locks are gone, what it
// counted stays.
func (l *Limiter) Abandon() { l.shared.file.unlock(seatOffset(l.ledgers.seat)) }

// OwnSeat returns the number of the process's seat.
func (l *Limiter) OwnSeat() int { return int(l.ledgers.seat) }

// Words returns all of a file's memory behind the header, as the process sees it.
func (l *Limiter) Words() []byte { return l.shared.board.memory[fileHeader-128:] }

// RaiseUsed makes sums include the seats below n.
func (l *Limiter) RaiseUsed(n uint64) { l.ledgers.used.Store(n) }
