#!/usr/bin/env node
// Not in dist: npm links the command when it installs the packages of a clone, before they are built.
require('./dist/bin.js')
