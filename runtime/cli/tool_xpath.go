package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/antchfx/xmlquery"
	"github.com/antchfx/xpath"
)

// maxXML bounds a file that xpathGet reads, bytes.
const maxXML = 16 << 20

// xpathGet prints the values an XPath finds, one a line; nothing when it finds none.
func xpathGet(_ context.Context, a *App, args []string) (int, error) {
	if len(args) != 2 {
		return 0, errors.New("want an XPath and a file")
	}
	expr, err := xpath.Compile(args[0])
	if err != nil {
		return 0, fmt.Errorf("XPath %q: %w", args[0], err)
	}
	f, err := os.Open(args[1])
	if err != nil {
		return 0, err
	}
	defer f.Close()
	doc, err := xmlquery.Parse(io.LimitReader(f, maxXML))
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", args[1], err)
	}
	switch v := expr.Evaluate(xmlquery.CreateXPathNavigator(doc)).(type) {
	case *xpath.NodeIterator:
		for v.MoveNext() {
			fmt.Fprintln(a.Out, v.Current().Value())
		}
	default: // a number, a truth value or a string
		fmt.Fprintln(a.Out, v)
	}
	return 0, nil
}
