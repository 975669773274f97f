package safefmt

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"unicode"
)

const (
	manifestName = "manifest.xml"
	maxNote      = 4096 // bytes kept of each text
)

// Manifest is what manifest.xml tells a human: safe-package.md section 3.
// Its file list and name are wrong in published packages and are not kept.
type Manifest struct {
	Title, Description, Note, Warning string
}

// readManifest reads manifest.xml leniently; a malformed one is a warning.
func (p *Package) readManifest() {
	f := p.find(manifestName)
	if f == nil || f.Dir {
		return
	}
	m, err := parseManifest(f.data)
	if err != nil {
		p.warn(manifestName, "ignored: %v", err)
		return
	}
	p.manifest = m
}

func parseManifest(data []byte) (Manifest, error) {
	if _, err := scanConfig(data); err != nil {
		return Manifest{}, err
	}
	var root struct {
		XMLName     xml.Name
		Title       string `xml:"title,attr"`
		Description string `xml:"description,attr"`
		Note        string `xml:"note,attr"`
		Warning     string `xml:"warning,attr"`
	}
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, bom)))
	d.CharsetReader = charset
	if err := d.Decode(&root); err != nil {
		return Manifest{}, err
	}
	if root.XMLName.Local != "application_module" {
		return Manifest{}, fmt.Errorf("root element is <%s>, not <application_module>", root.XMLName.Local)
	}
	return Manifest{
		Title: plain(root.Title), Description: plain(root.Description),
		Note: plain(root.Note), Warning: plain(root.Warning),
	}, nil
}

// plain makes a foreign text fit for display.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return ' '
		}
		return r
	}, s)
	if len(s) > maxNote {
		s = strings.ToValidUTF8(s[:maxNote], "")
	}
	return strings.TrimSpace(s)
}
