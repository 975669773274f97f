package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// Hello is the secondary's first word.
type Hello struct {
	Version    int           `json:"version"`
	Module     ha.ModuleName `json:"module"`
	Node       ha.NodeName   `json:"node"`
	Epoch      uint64        `json:"epoch"`
	History    ha.History    `json:"history"`
	Pairing    string        `json:"pairing,omitempty"`
	Consistent bool          `json:"consistent"`
	Clean      bool          `json:"clean"`
	Dirs       []string      `json:"dirs"`
	BlockSize  int           `json:"block_size"`
	Mode       string        `json:"mode"` // auto, full, date, none
	Since      time.Time     `json:"since,omitzero"`
	GiveWay    bool          `json:"give_way,omitempty"`
}

// Welcome is the primary's answer: how the secondary will be brought up to date.
type Welcome struct {
	Version int         `json:"version"`
	Node    ha.NodeName `json:"node"`
	Epoch   uint64      `json:"epoch"`
	History ha.History  `json:"history"`
	Pairing string      `json:"pairing,omitempty"`
	Mode    string      `json:"mode"`    // default, full, date
	Trusted bool        `json:"trusted"` // the maps of both sides are believed
	Durable bool        `json:"durable"` // acknowledge after the disk
}

// Refuse ends a session with a reason for people.
type Refuse struct {
	Reason   string `json:"reason"`
	Retry    bool   `json:"retry,omitempty"`
	Diverged bool   `json:"diverged,omitempty"`
	// Differs: the trees were found different where they had to be equal.
	Differs bool `json:"differs,omitempty"`
}

// SyncBegin opens the catch-up. Rescue asks the secondary to keep what it wrote
// apart. Full tells that it may lose most of its tree.
type SyncBegin struct {
	Mode    string `json:"mode"`
	Trusted bool   `json:"trusted"`
	Rescue  bool   `json:"rescue,omitempty"`
	Full    bool   `json:"full,omitempty"`
}

// SyncEnd closes the catch-up: from here on both nodes are equal.
type SyncEnd struct {
	History ha.History `json:"history"`
	Pairing string     `json:"pairing"`
	At      time.Time  `json:"at"`
	Stats   Stats      `json:"stats"`
}

// DeletePlan tells what the catch-up will remove, so that the secondary can
// refuse to lose most of its tree.
type DeletePlan struct {
	Items []DeleteItem `json:"items"`
}

// DeleteItem is one name to be removed with what is below it.
type DeleteItem struct {
	Dir  uint16 `json:"dir"`
	Path []byte `json:"path"`
}

// Tune changes how the secondary acknowledges.
type Tune struct {
	Durable bool `json:"durable"`
}

// Answer is the reply to calls that may be refused.
type Answer struct {
	OK bool `json:"ok"`
	Refuse
}

// Stats is the progress of a catch-up, as api.SyncStats.
type Stats struct {
	Mode      string        `json:"mode"`
	Dir       string        `json:"dir"`
	Files     int64         `json:"files"`
	Copied    int64         `json:"copied"`
	Total     int64         `json:"total"`
	Done      int64         `json:"done"`
	Compared  int64         `json:"compared"`
	Elapsed   time.Duration `json:"elapsed"`
	Rate      float64       `json:"rate"`
	Remaining time.Duration `json:"remaining"`
}

// Marshal gives a message in JSON.
func Marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("marshal %T: %v", v, err)) // only plain structs come here
	}
	return b
}

// Unmarshal reads a JSON message and refuses fields it does not know.
func Unmarshal(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %T: %v", ErrFrame, v, err)
	}
	if d.More() {
		return fmt.Errorf("%w: %T: more than one value", ErrFrame, v)
	}
	return nil
}
