// Package sim is a world of two nodes for the automaton: a network that loses,
// delays and reorders, disks that forget what was not made durable, replicators
// that keep the contract of plugins/api, scripts, crashes, power cuts and
// freezes, all on a logical clock. Scenario texts and random schedules drive
// it; a verifier checks after every step what must always be true (design
// section 1). It is used by tests only.
//
// One goroutine runs a world; nothing outside depends on its time.
package sim
