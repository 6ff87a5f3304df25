/*
 * cloud.h - the providers of VPN gateways that s2sd knows by name.
 */
#ifndef CLOUD_CLOUD_H
#define CLOUD_CLOUD_H

enum cloud { CLOUD_NONE, CLOUD_AWS, CLOUD_AZURE };

#endif
