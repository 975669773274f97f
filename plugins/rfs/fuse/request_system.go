package fuse

// StatfsRequest asks for the file system's sizes.
type StatfsRequest struct{ Request }

// Reply answers with the sizes.
func (r StatfsRequest) Reply(s Statfs) error {
	if !r.claim() {
		return ErrReplied
	}
	s.encode(r.body(statfsSize))
	return r.sendBody(statfsSize)
}

// SyncfsRequest asks to make the whole file system durable.
type SyncfsRequest struct{ AckRequest }
