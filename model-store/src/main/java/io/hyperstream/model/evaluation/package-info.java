/**
 * Holding the model against numbers: parity with the published implementation, parameter
 * accounting, the few-shot protocol and how often it would promote. Calls the other packages'
 * public API the way a user would; nothing calls this package but commands and tests.
 */
package io.hyperstream.model.evaluation;
