// Package report prints and draws what a run of the comparison found: tables for a terminal, tables for the documents, and one page of
// plots. It reads a [result.Report] and measures nothing, so a report can be drawn again later.
//
// The same report gives the same bytes. All texts of a report are taken as hostile: they are escaped for what they are written to.
// The functions share nothing and may run at the same time, as long as nobody changes the report meanwhile.
package report
