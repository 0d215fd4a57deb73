/**
 * Holding the model against numbers: parity with the published implementation, parameter
 * accounting, and (later) protocols, metrics and benchmarks. Calls the other rooms' public API the
 * way a user would; nothing calls this room but commands and tests.
 */
package io.hyperstream.model.evaluation;
