package api

import (
	"context"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// Filter leaves part of a replicated directory alone (userconfig-xml.md
// section 9, notreplicated). Exactly one field is set.
type Filter struct {
	Path  string // relative path: that file or subtree
	Regex string // POSIX extended regular expression on the relative path; leading "!" inverts
}

// ReplicatedDir is one <replicated> element.
type ReplicatedDir struct {
	Path          string // absolute, exists on both nodes
	ReadOnly      bool   // mode="read_only": nobody writes on the secondary
	NotReplicated []Filter
	ToCheck       []string // relative paths that must exist before replication starts
}

// ReplicationTuning is the part of the configuration that may change while running.
type ReplicationTuning struct {
	// DurableAck: async="none", the secondary acknowledges after its disk has
	// the data; otherwise on receipt.
	DurableAck    bool
	ResyncThreads int           // nbrei
	ResyncTimeout time.Duration // reitimeout
	ResyncDetail  bool          // reidetail
}

// ReplicationConfig is all a replicator needs.
type ReplicationConfig struct {
	Module   ha.ModuleName
	Local    ha.NodeName
	Peer     ha.NodeName
	StateDir string // generations, dirty map, rescue area; mode 0700, this plugin's own
	Dirs     []ReplicatedDir
	Listen   string // host:port where this node accepts its peer when primary
	PeerAddr string // host:port of the peer when secondary
	// PEM files of the cluster's identity. Both sides always authenticate.
	CertFile, KeyFile, CAFile string
	// PlainPayload leaves replicated data unencrypted on a dedicated link
	// (module delkey); authentication stays.
	PlainPayload bool
	SendTimeout  time.Duration // a packet not sent in this time: the peer is lost
	LockTimeout  time.Duration // a request not acknowledged in this time: the peer is lost
	CheckTimeout time.Duration // checktime: a probe of the mounted directory unanswered this long is a fault
	CheckEvery   time.Duration // checkintv
	BlockSize    int           // exact dirty map granularity, bytes, a power of two; 0 = 64 KiB
	ResyncRate   int64         // cap on resynchronisation, bytes/s; 0 = none
	ZoneResync   bool          // false: namespacepolicy="0", changed files travel whole
	Tuning       ReplicationTuning
}

// DataRole is what the replicator does with its directories.
type DataRole uint8

// The data roles.
const (
	// DataIdle: nothing mounted; the plain directory is underneath.
	DataIdle DataRole = iota
	// DataPrimary: mounted writable; the peer may attach.
	DataPrimary
	// DataSecondary: mounted read-only; follows the primary.
	DataSecondary
)

// SyncMode says how a secondary catches up (states.md section 7).
type SyncMode uint8

// The ways to catch up.
const (
	// SyncAuto: by generations and dirty maps, comparing where they are not trusted.
	SyncAuto SyncMode = iota
	// SyncFull: everything is compared or copied, no map is trusted.
	SyncFull
	// SyncSince: files modified after Assignment.Since, whole (secondforce -d).
	SyncSince
	// SyncNone: swap nosync; the nodes are equal by what the handover said.
	SyncNone
)

// Assignment tells the replicator its role.
type Assignment struct {
	Role DataRole
	// Epoch: frames of an older one are refused from now on. It never goes back,
	// but for a secondary, which takes that of its primary: after a split brain
	// the primary that stays may be of an older one.
	Epoch uint64
	// Generation, of DataPrimary: when not zero, the node begins to write
	// without its peer. The id and "the peer is behind" are on disk before the
	// first write is acknowledged. Zero: the current generation goes on (swap,
	// or both nodes start in step) and the peer is expected to attach.
	Generation ha.Generation
	// Force accepts inconsistent data as the truth (primforce) and owes the peer a full copy.
	Force bool
	Sync  SyncMode  // of DataSecondary; of DataPrimary: what the peer's next catch-up must be
	Since time.Time // of SyncSince
	// GiveWay, of DataSecondary: histories diverged and this node lost; what it
	// wrote apart goes to the rescue area before it is overwritten.
	GiveWay bool
}

// DataFacts is what the disk says about the data. It decides who may be primary.
type DataFacts struct {
	History    ha.History
	Consistent bool // false from the first overwritten byte of a resynchronisation to its end
	// Clean: the last run as primary or secondary ended by DataIdle, so the dirty
	// map is exact. A secondary that ended unclean may miss acknowledged writes.
	Clean      bool
	PeerBehind bool      // this node wrote since the peer was last equal
	SyncedAt   time.Time // when both nodes were last known equal; for display and syncdelta only
	DirtyBytes int64     // bytes the peer lacks, by the map
}

// DataEventKind says what a DataEvent tells.
type DataEventKind uint8

// The events of a replicator. P: seen on a primary, S: on a secondary.
const (
	// PeerAttached (P): the secondary connected; its catch-up runs.
	PeerAttached DataEventKind = iota + 1
	// PeerReady (P): the secondary is equal; each write now waits for it.
	PeerReady
	// PeerLost (P): the secondary is gone. Writes are being held: they are
	// acknowledged after Detach, or by the plugin itself after its own deadline.
	PeerLost
	// PeerDetached (P): Detach took effect, by call or by deadline.
	PeerDetached
	// SyncStarted, SyncProgress, SyncDone (S, and P for display).
	SyncStarted
	SyncProgress
	SyncDone
	// SyncFailed (S): the catch-up ended without success.
	SyncFailed
	// PrimaryLost (S): the connection to the primary is gone after SyncDone.
	PrimaryLost
	// LocalFault: this node's own disk or mount fails; the role cannot go on.
	LocalFault
	// FactsChanged: the durable facts changed.
	FactsChanged
)

// SyncStats is the progress of a catch-up. Sizes in bytes.
type SyncStats struct {
	Mode      string // default, full, date
	Dir       string // directory in work
	Files     int64  // files and directories compared
	Copied    int64  // files that changed
	Total     int64  // bytes to move, as known now
	Done      int64  // bytes moved
	Compared  int64  // bytes hashed
	Elapsed   time.Duration
	Rate      float64       // bytes/s
	Remaining time.Duration // estimated; 0 when unknown
}

// DataEvent is one thing the replicator saw.
type DataEvent struct {
	Kind   DataEventKind
	Epoch  uint64 // of the assignment it belongs to
	Reason string // for people
	// Clean, of PeerLost and PrimaryLost: the other side said goodbye after everything had been acknowledged.
	Clean bool
	// Retry, of SyncFailed: trying again may succeed (connection lost).
	Retry bool
	// Diverged, of SyncFailed: both sides wrote apart and nobody said who gives way.
	Diverged bool
	Stats    SyncStats // of the Sync events
	Facts    DataFacts // always the newest
}

// Replicator keeps the replicated directories equal. The core never touches the
// directories while a role other than DataIdle is assigned.
type Replicator interface {
	Info(ctx context.Context) (Info, error)
	// Configure opens the directories and the state on disk, repairs what a
	// crash left (dead mounts, unfinished records) and stays DataIdle. It refuses
	// a directory whose identity marker is missing or foreign where one is expected.
	Configure(ctx context.Context, cfg ReplicationConfig) error
	Facts(ctx context.Context) (DataFacts, error)
	// Assign changes the role and returns when it is in force: primary mounted
	// writable and durable facts written; secondary mounted read-only (catch-up
	// goes on and is told by events); idle drained, flushed and unmounted. Going
	// from DataPrimary to anything else drains to the secondary first.
	Assign(ctx context.Context, a Assignment) error
	// Detach, on a primary: the peer is behind from here on. The new generation
	// is on disk and held writes are released when it returns.
	Detach(ctx context.Context, g ha.Generation) error
	// Tune changes what may change while running.
	Tune(ctx context.Context, t ReplicationTuning) error
	// Watch streams events. One watcher at a time; a new one replaces the old
	// and first gets FactsChanged.
	Watch(ctx context.Context) (<-chan DataEvent, error)
}
