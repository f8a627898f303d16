/* srs/gate_priv.h - between the files of the gate. */
#ifndef SRS_GATE_PRIV_H
#define SRS_GATE_PRIV_H

struct auth;
struct gate;

struct auth *gate_auth(struct gate *g);

#endif
