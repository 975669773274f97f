package userconfig

import "time"

// The values of user@logging.
const (
	LoggingUserlog = "userlog"
	LoggingNone    = "none"
)

// User holds <user>: module scripts and their variables (userconfig-xml.md
// section 10).
type User struct {
	NiceStop  time.Duration `json:"nicestoptimeout"`
	ForceStop time.Duration `json:"forcestoptimeout"`
	// Logging is LoggingUserlog or LoggingNone.
	Logging string `json:"logging"`
	// UserLogSize in KB: the log is truncated at module start once it is larger.
	UserLogSize int `json:"userlogsize"`
	// Vars are exported to every module script; names are unique, in document order.
	Vars []Var `json:"vars,omitempty"`
}

// Var is one environment variable of the module's scripts.
type Var struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// VHost holds <virtualhostname> of <vhost> (userconfig-xml.md section 11).
type VHost struct {
	Name string `json:"name"`
	// EnvFile is the generated shell fragment, relative to the module's bin.
	EnvFile string `json:"envfile"`
	// When is WhenPrim, WhenSecond or WhenBoth.
	When When `json:"when"`
}
