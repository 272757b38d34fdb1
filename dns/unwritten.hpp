#pragma once
// Shipped builds write zeros over each local variable first, so that what a function left behind never shows in the
// next one. For a room of hundreds of octets of which a few are used that costs more than what is done with them.

/// Before a local room that is read only where it was written just before: how far that is stands beside it. Nothing
/// is left out but the zeros.
#define REDOUBT_UNWRITTEN __attribute__((uninitialized))
