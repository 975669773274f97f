package lab

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// console is what a virtual machine has told its client, over all its boots.
type console struct {
	Acked     []int // numbers of the records it acknowledged, in the order told
	Recovered []int // records found at each boot
	Closed    int   // ends in good order
}

// readConsole reads the console's file; a machine that never ran has none.
func readConsole(file string) (*console, error) {
	raw, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return &console{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read console: %w", err)
	}
	return parseConsole(string(raw))
}

// parseConsole understands the guest's lines and passes over the kernel's. A
// line that is being written counts as not told.
func parseConsole(text string) (*console, error) {
	c := &console{}
	for line := range strings.Lines(text) {
		word, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		if word == "failed" {
			return nil, fmt.Errorf("the guest failed: %s", value)
		}
		number, whole := strings.CutSuffix(value, ".")
		n, err := strconv.Atoi(number)
		if !whole || err != nil {
			continue
		}
		switch word {
		case "ack":
			if last := c.last(); n <= last {
				return nil, fmt.Errorf("record %d was acknowledged after record %d: two guests on one disk, or records lost", n, last)
			}
			c.Acked = append(c.Acked, n)
		case "recovered":
			c.Recovered = append(c.Recovered, n)
		case "closed":
			c.Closed++
		}
	}
	return c, nil
}

// last is the number of the last record acknowledged, 0 when there is none.
func (c *console) last() int {
	if len(c.Acked) == 0 {
		return 0
	}
	return c.Acked[len(c.Acked)-1]
}
