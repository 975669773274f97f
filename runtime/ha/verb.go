package ha

// Verb is a request to a module: what a command, a rule or a checker asks for.
type Verb uint8

// The verbs. VerbWait and VerbWakeup come from rules only.
const (
	VerbNone Verb = iota
	VerbStart
	VerbStop
	VerbShutdown
	VerbRestart
	VerbStopStart
	VerbSwap
	VerbForceStop
	VerbPrim
	VerbPrimForce
	VerbSecond
	VerbSecondForce
	VerbWait
	VerbWakeup
)

var verbNames = [...]string{"none", "start", "stop", "shutdown", "restart", "stopstart", "swap", "forcestop",
	"prim", "primforce", "second", "secondforce", "wait", "wakeup"}

// String gives the word of the command line and of the log.
func (v Verb) String() string { return name(verbNames[:], int(v)) }

// ParseVerb is the inverse of String.
func ParseVerb(s string) (Verb, error) {
	i, err := parse(verbNames[:], s, "action")
	return Verb(i), err
}
