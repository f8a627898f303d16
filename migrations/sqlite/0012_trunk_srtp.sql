-- What a trunk does about SRTP: default (that of [media] srtp), preferred, required, off.

ALTER TABLE trunks ADD COLUMN srtp TEXT NOT NULL DEFAULT 'default';
