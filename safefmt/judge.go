package safefmt

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

var bom = []byte("\xef\xbb\xbf")

// judge applies the rules on content: safe-package.md section 9, rules 6, 7
// and 10 to 12.
func (p *Package) judge() error {
	conf := p.find(configName)
	if conf == nil || conf.Dir {
		return ErrNoConfig
	}
	facts, err := scanConfig(conf.data)
	if err != nil {
		return at(configName, err)
	}
	if err := p.windows(); err != nil {
		return err
	}
	for _, f := range p.files {
		p.unixText(f)
	}
	p.scriptSet(facts.mode)
	p.readManifest()
	return nil
}

// windows refuses a module whose only scripts are Windows ones.
func (p *Package) windows() error {
	foreign, native := "", false
	for _, f := range p.files {
		if f.Dir || !inBin(f.Name) {
			continue
		}
		switch {
		case windowsScript(f.Name):
			foreign = f.Name
		case runtimeScript(f.Name) || executable(f.data):
			native = true
		}
	}
	if foreign == "" {
		return nil
	}
	if !native {
		return at(foreign, errors.New("this is a Windows module: it has no script that runs on Linux"))
	}
	p.warn(foreign, "Windows script, ignored on Linux")
	return nil
}

// runtimeScript tells whether the runtime calls a file by its name: scripts.md
// section 1.
func runtimeScript(name string) bool {
	switch strings.TrimPrefix(name, "bin/") {
	case "prestart", "poststop", "transition", "update", "config", "postconfig", "deconfig",
		"start_prim", "stop_prim", "start_both", "stop_both",
		"start_second", "stop_second", "start_sec", "stop_sec":
		return true
	}
	return false
}

func windowsScript(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return slices.Contains([]string{".ps1", ".psm1", ".cmd", ".bat", ".vbs"}, ext)
}

// executable tells whether the kernel could run the content.
func executable(data []byte) bool {
	data = bytes.TrimPrefix(data, bom)
	return bytes.HasPrefix(data, []byte("#!")) || bytes.HasPrefix(data, []byte("\x7fELF"))
}

// unixText repairs what Windows editors do to scripts: CRLF line ends and a
// byte order mark before "#!" make the kernel refuse them.
func (p *Package) unixText(f *file) {
	text := bytes.TrimPrefix(f.data, bom)
	if f.Dir || !bytes.HasPrefix(text, []byte("#!")) {
		return
	}
	if len(text) != len(f.data) {
		p.warn(f.Name, "byte order mark removed")
	}
	if bytes.Contains(text, []byte("\r\n")) {
		text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
		p.warn(f.Name, "CRLF line ends converted to LF")
	}
	f.data, f.Size = text, int64(len(text))
}

// scriptSet warns when the scripts do not fit the mode of the service.
func (p *Package) scriptSet(mode string) {
	has := func(script string) bool { return p.find("bin/"+script) != nil }
	if !has("prestart") {
		p.warn("bin/prestart", "missing: nothing stops the application before the module takes it over")
	}
	switch mode {
	case "farm", "light":
		if has("start_prim") {
			p.warn("bin/start_prim", "never called in mode %s", mode)
		}
	case "mirror":
		if has("start_both") && !has("start_prim") {
			p.warn("bin/start_both", "the only start script of a mirror: it runs on both nodes, start_prim is missing")
		}
	}
}

func (p *Package) warn(entry, format string, args ...any) {
	p.warnings = append(p.warnings, entry+": "+fmt.Sprintf(format, args...))
}
