/**
 * Holding the model against numbers: parity with the published implementation, parameter
 * accounting, the few-shot protocol and how often it would promote. Calls the other rooms' public
 * API the way a user would; nothing calls this room but commands and tests.
 */
package io.hyperstream.model.evaluation;
