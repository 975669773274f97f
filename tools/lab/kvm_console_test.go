package lab

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConsole(t *testing.T) {
	text := "\r\n[    0.5] a kernel's line\r\nrecovered 0.\r\nack 1.\r\nack 12.\r\nack 1" + // the power cut
		"\r\nrecovered 13.\r\nack 14.\r\nclosed 14.\r\n\r\nrecovered 14.\r\nack 15.\r\nack 16"
	got, err := parseConsole(text)
	if err != nil {
		t.Fatal(err)
	}
	want := &console{Acked: []int{1, 12, 14, 15}, Recovered: []int{0, 13, 14}, Closed: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for text, want := range map[string]string{
		"ack 1.\r\nack 2.\r\nack 2.\r\n":       "two guests",
		"failed write record 7: disk full\r\n": "write record 7",
	} {
		if _, err := parseConsole(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
