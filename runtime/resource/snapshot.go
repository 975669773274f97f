package resource

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// snapshot is the JSON form of a table; the history stays in its own file.
type snapshot struct {
	Local  []record `json:"local"`
	Remote []record `json:"remote"`
}

type record struct {
	Name  string    `json:"name"` // class.id
	Value string    `json:"value"`
	Date  time.Time `json:"date"`
	By    string    `json:"by,omitempty"`
}

// MarshalJSON writes both halves in order of name.
func (t *Table) MarshalJSON() ([]byte, error) {
	return json.Marshal(snapshot{records(t.List()), records(t.ListRemote())})
}

// UnmarshalJSON replaces both halves by a snapshot; on an error the table stays
// as it was.
func (t *Table) UnmarshalJSON(raw []byte) error {
	var s snapshot
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	local, err := entries(s.Local)
	if err != nil {
		return err
	}
	remote, err := entries(s.Remote)
	if err != nil {
		return err
	}
	t.local, t.remote = local, remote
	return nil
}

func records(list []Entry) []record {
	out := make([]record, len(list))
	for i, e := range list {
		out[i] = record{e.Resource.String(), e.Value, e.Date, e.By}
	}
	return out
}

func entries(list []record) (map[ha.Resource]Entry, error) {
	if len(list) > MaxCount {
		return nil, fmt.Errorf("resource snapshot: %d resources, at most %d are kept", len(list), MaxCount)
	}
	out := make(map[ha.Resource]Entry, len(list))
	for _, one := range list {
		r, err := ha.ParseResource(one.Name)
		if err == nil {
			err = Check(r, one.Value)
		}
		if err != nil {
			return nil, fmt.Errorf("resource snapshot: %w", err)
		}
		out[r] = Entry{r, one.Value, one.Date, one.By}
	}
	return out, nil
}
