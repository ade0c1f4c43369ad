// Package migrate moves a plugin's go.mod from the published Higress SDK to Sluice, and back.
//
// Go asks for replace lines in the main module only, so a plugin's go.mod needs one for each published module and one for
// each local module that those need in turn: they are read from the replace lines of Sluice's own modules.
//
// What was there before is kept in the plugin's folder .sluice-migrate: the files go.mod and go.sum as they were
// (before.mod, before.sum) and the hashes of what the migration made of them (after). With it, Undo restores the files
// byte by byte where nothing changed since. Where something did, it drops the lines that the migration wrote, which a
// comment marks, and puts back the replace lines that they stood for.
package migrate
