package userconfig

import "time"

// Async tells when the secondary acknowledges.
type Async string

// The values of rfs@async: on receipt, or after the write is on disk.
const (
	AsyncSecond Async = "second"
	AsyncNone   Async = "none"
)

// RFS holds <rfs> of a mirror module (userconfig-xml.md section 9).
type RFS struct {
	MountOver       bool   `json:"mountover"`
	MountOverSuffix string `json:"mountoversuffix"`
	ACL             bool   `json:"acl"`
	// ACLSet: the file gave acl.
	ACLSet bool  `json:"acl_set,omitempty"`
	Async  Async `json:"async"`
	// PacketSize in bytes; 0 means the runtime's own maximum.
	PacketSize int64 `json:"packetsize"`
	// ReiPacketSize and RuzoneBlockSize in bytes, never 0.
	ReiPacketSize   int64         `json:"reipacketsize"`
	RuzoneBlockSize int64         `json:"ruzone_blocksize"`
	LockTimeout     time.Duration `json:"locktimeout"`
	SendTimeout     time.Duration `json:"sendtimeout"`
	NbRei           int           `json:"nbrei"`
	// NamespacePolicy is 0 (files are copied whole), 1, 3 (zones) or 4 (zones,
	// and an interrupted full copy resumes).
	NamespacePolicy int           `json:"namespacepolicy"`
	ReiTimeout      time.Duration `json:"reitimeout"`
	// ReiCommit is a number of resynchronisation packets; 0 means fsync at the end.
	ReiCommit int  `json:"reicommit"`
	ReiDetail bool `json:"reidetail"`
	// ReiAllowedBW in KB/s; 0 means unlimited.
	ReiAllowedBW int64         `json:"reiallowedbw"`
	NbRemConn    int           `json:"nbremconn"`
	CheckTime    time.Duration `json:"checktime"`
	CheckIntv    time.Duration `json:"checkintv"`
	Scripts      bool          `json:"scripts"`
	// SyncDelta up to one minute is ignored.
	SyncDelta time.Duration `json:"syncdelta"`
	// SyncAt is a crontab schedule of five fields; empty means real time.
	SyncAt     string       `json:"syncat,omitempty"`
	Flow       *Flow        `json:"flow,omitempty"`
	Replicated []Replicated `json:"replicated"`
}

// Flow is <flow>: the replication network, when it is not a heartbeat's.
type Flow struct {
	Lan string `json:"lan,omitempty"`
	// Servers are the two addresses of the 7.1 form (section 16), else nil.
	Servers []string `json:"servers,omitempty"`
}

// Replicated is one <replicated> directory.
type Replicated struct {
	// Dir is a clean absolute path.
	Dir string `json:"dir"`
	// ReadOnly is mode="read_only": the secondary's view cannot be written.
	ReadOnly      bool            `json:"read_only"`
	NotReplicated []NotReplicated `json:"notreplicated,omitempty"`
	// ToCheck are paths relative to Dir that must exist before replication starts.
	ToCheck []string `json:"tocheck,omitempty"`
}

// NotReplicated is one exception: exactly one of its fields is set.
type NotReplicated struct {
	// Path is relative to the directory: a file or a subtree.
	Path string `json:"path,omitempty"`
	// Regex is a POSIX extended regular expression searched in the relative path;
	// with a leading "!" only matching entries are replicated.
	Regex string `json:"regexpath,omitempty"`
}
