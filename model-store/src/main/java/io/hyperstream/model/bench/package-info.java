/**
 * Speed, measured side by side: what the machine can do (matrix products, memory copies) and what
 * the engine makes of it, in one run, so that a result is a ratio and not a property of whatever
 * else the machine was doing. Random weights: shapes decide speed, not values. No test asserts a
 * time.
 */
package io.hyperstream.model.bench;
