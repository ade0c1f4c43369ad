// A plugin that does not compile.
package main

func main() { undefined() }
