package modlog

import (
	"fmt"
	"net"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// journal sends messages to the socket of the system journal, when there is
// one. It speaks the native protocol by itself, since the library has the
// path of the socket built in. The writer goroutine owns it.
type journal struct {
	socket string
	conn   *net.UnixConn
	retry  time.Time // not before, after a failure
}

const (
	identifier   = "safekit"
	journalWait  = 20 * time.Millisecond // a journal that hangs costs at most this …
	journalPause = time.Second           // … once in this time
)

// priority maps levels as services.md section 7 does: crit, notice, info.
func priority(l ha.Level) int {
	switch l {
	case ha.Critical:
		return 2
	case ha.Script:
		return 6
	default:
		return 5
	}
}

// send is best effort: the module log is the record, the journal a copy.
func (j *journal) send(priority int, text string) {
	now := time.Now()
	if now.Before(j.retry) {
		return
	}
	if err := j.try(now, priority, text); err != nil {
		j.close()
		j.retry = now.Add(journalPause)
	}
}

func (j *journal) try(now time.Time, priority int, text string) error {
	if j.conn == nil {
		conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: j.socket, Net: "unixgram"})
		if err != nil {
			return err
		}
		j.conn = conn
	}
	if err := j.conn.SetWriteDeadline(now.Add(journalWait)); err != nil {
		return err
	}
	_, err := j.conn.Write(fmt.Appendf(nil, "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nMESSAGE=%s\n", priority, identifier, text))
	return err
}

func (j *journal) close() {
	if j.conn != nil {
		_ = j.conn.Close() // a datagram socket has nothing left to lose
		j.conn = nil
	}
}
