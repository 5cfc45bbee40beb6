package proxyhook

// ErrOriginSilent is the error of a request, and of the body of an answer, that
// Config.OriginSilence has ended. It is a net.Error whose Timeout is true, so that an ErrorHandler
// can answer 504.
var ErrOriginSilent error = originSilent{}

type originSilent struct{}

func (originSilent) Error() string {
	return "proxyhook: waiting for the origin: it was silent for longer than Config.OriginSilence (raise it for origins that are slower)"
}

func (originSilent) Timeout() bool   { return true }
func (originSilent) Temporary() bool { return true }
