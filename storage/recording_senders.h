/* storage/recording_senders.h - who sent a stream, one after the other.
 *
 * The catalog's stream has whoever sends it now; the model of the recording
 * (storage/calls.h) has everybody with times. Pure. Role: any.
 */
#ifndef STORAGE_RECORDING_SENDERS_H
#define STORAGE_RECORDING_SENDERS_H

#include <stdint.h>

struct recording;

#define RECORDING_SENDERS_MAX 64

/**
 * Needs RECORDING_PARTICIPANTS, RECORDING_STREAMS and RECORDING_CALL.
 *
 * @param stream  m-line; -1: nobody
 * @param ret_ord ords of participants, first sender first, each once
 * @return how many; without a model the one that the stream has, or 0
 */
unsigned recording_senders(const struct recording *rec, int stream,
			   int ret_ord[RECORDING_SENDERS_MAX]);

/**
 * Who sent a stream at a moment. Needs the same parts.
 *
 * @param wall_us our clock
 * @return an ord; -1 when the model names nobody for that moment, or several
 */
int recording_sender_at(const struct recording *rec, int stream,
			int64_t wall_us);

#endif
