package userconfig

import "time"

// Failover holds <failover> with its defaults when the element is absent
// (userconfig-xml.md section 14).
type Failover struct {
	// Extends false: the checker default rules are dropped.
	Extends    bool          `json:"extends"`
	Period     time.Duration `json:"period"`
	HandleTime time.Duration `json:"handle_time"`
	// Sections are the rule texts in document order, blank ones left out.
	Sections []Section `json:"sections,omitempty"`
}

// Section is one CDATA block, or the escaped text between blocks, in one
// language (failover-rules.md section 3).
type Section struct {
	Text string `json:"text"`
	// Line is the line of the file on which Text begins; 0 in a safeconf.xml.
	Line int `json:"line,omitempty"`
}
