/* A stand-in for NVIDIA's libnvidia-ml.so.1: as much of NVML as pynvml needs to watch cards.
 *
 * What it answers stands in the text file that $STAND_IN_NVML names, read again at each call, so that a test can change
 * a card while the process under test looks at it. A line is
 *
 *     driver KEY VALUE                          KEY: broken (the error of every call), version, cards (how many)
 *     CARD KEY VALUE                            a reading; one that has no line is not supported
 *     CARD error KEY CODE                       this reading answers with an error instead
 *     CARD compute PID BYTES                    a process; BYTES "-" where the driver does not tell.
 *     CARD graphics PID BYTES
 *     CARD vanishing PID BYTES                  a compute process that is gone after it was listed once
 *     CARD lost CODE                            the error of every call on the card, until NVML is initialised again
 *     CARD link UUID 1                          NVLink joins it to the card with this UUID
 *     CARD hidden CODE                          the same, and not even a handle is given
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7, UNKNOWN = 999 };
enum { MOST_CARDS = 16, LINE = 512 };

typedef struct { unsigned index; } Card;
typedef struct { unsigned pid; unsigned long long bytes; unsigned gpu_instance, compute_instance; } Process;
typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } MemoryV2;
typedef struct { unsigned gpu, memory; } Utilization;
typedef struct { unsigned version, sensor; int celsius; } Temperature;

static Card cards[MOST_CARDS];
static int lost_with[MOST_CARDS];    /* a lost card stays lost until the library is initialised again */
static unsigned vanished[MOST_CARDS]; /* the pid that was listed for the last time */
static int initialised;

static FILE *state(void) {
    const char *path = getenv("STAND_IN_NVML");
    return path ? fopen(path, "r") : NULL;
}

/* The rest of the line that begins with "SUBJECT KEY ", or 0 where there is none. */
static int find(const char *subject, const char *key, char *value) {
    char prefix[LINE], line[LINE];
    FILE *file = state();
    int found = 0;
    if (!file) return 0;
    snprintf(prefix, sizeof prefix, "%s %s ", subject, key);
    while (!found && fgets(line, sizeof line, file)) {
        if (strncmp(line, prefix, strlen(prefix)) == 0) {
            line[strcspn(line, "\n")] = 0;
            strcpy(value, line + strlen(prefix));
            found = 1;
        }
    }
    fclose(file);
    return found;
}

static int driver_trouble(void) {
    char value[LINE];
    return find("driver", "broken", value) ? atoi(value) : SUCCESS;
}

static int card_trouble(unsigned index) {
    char subject[16], value[LINE];
    if (!initialised) return UNINITIALIZED;
    if (driver_trouble()) return driver_trouble();
    snprintf(subject, sizeof subject, "%u", index);
    if (find(subject, "lost", value) || find(subject, "hidden", value)) lost_with[index] = atoi(value);
    return lost_with[index];
}

/* One reading as text; SUCCESS, or the error that stands in its place. */
static int reading(Card *card, const char *key, char *value) {
    char subject[16], error[LINE];
    int trouble = card_trouble(card->index);
    if (trouble) return trouble;
    snprintf(subject, sizeof subject, "%u", card->index);
    snprintf(error, sizeof error, "error %s", key);
    if (find(subject, error, value)) return atoi(value);
    return find(subject, key, value) ? SUCCESS : NOT_SUPPORTED;
}

static int number(Card *card, const char *key, unsigned long long *answer) {
    char value[LINE];
    int code = reading(card, key, value);
    if (code == SUCCESS) *answer = strtoull(value, NULL, 10);
    return code;
}

static int small_number(Card *card, const char *key, unsigned *answer) {
    unsigned long long value = 0;
    int code = number(card, key, &value);
    if (code == SUCCESS) *answer = (unsigned)value;
    return code;
}

static int text(Card *card, const char *key, char *answer, unsigned length) {
    char value[LINE];
    int code = reading(card, key, value);
    if (code == SUCCESS) snprintf(answer, length, "%s", value);
    return code;
}

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    if (driver_trouble()) return driver_trouble();
    for (unsigned i = 0; i < MOST_CARDS; i++) {
        cards[i].index = i;
        lost_with[i] = SUCCESS;
    }
    initialised++;
    return SUCCESS;
}

int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }

int nvmlShutdown(void) {
    if (!initialised) return UNINITIALIZED;
    initialised--;
    return SUCCESS;
}

const char *nvmlErrorString(int code) {
    switch (code) {
        case SUCCESS: return "Success";
        case UNINITIALIZED: return "Uninitialized";
        case NOT_SUPPORTED: return "Not Supported";
        case 9: return "Driver Not Loaded";
        case 15: return "GPU is lost";
        case 18: return "Driver/library version mismatch";
        default: return "Unknown Error";
    }
}

int nvmlSystemGetDriverVersion(char *version, unsigned length) {
    char value[LINE];
    if (!initialised) return UNINITIALIZED;
    if (!find("driver", "version", value)) return NOT_SUPPORTED;
    snprintf(version, length, "%s", value);
    return SUCCESS;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    char value[LINE];
    if (!initialised) return UNINITIALIZED;
    if (driver_trouble()) return driver_trouble();
    *count = find("driver", "cards", value) ? (unsigned)atoi(value) : 0;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Card **card) {
    char subject[16], value[LINE];
    unsigned count = 0;
    int code = nvmlDeviceGetCount_v2(&count);
    if (code) return code;
    if (index >= count || index >= MOST_CARDS) return INVALID;
    snprintf(subject, sizeof subject, "%u", index);
    if (find(subject, "hidden", value)) return card_trouble(index);
    *card = &cards[index];
    return SUCCESS;
}

/* The UUID is read when the driver starts: a lost card still tells it. */
int nvmlDeviceGetUUID(Card *card, char *uuid, unsigned length) {
    char subject[16], value[LINE];
    snprintf(subject, sizeof subject, "%u", card->index);
    if (!find(subject, "uuid", value)) return UNKNOWN;
    snprintf(uuid, length, "%s", value);
    return SUCCESS;
}

int nvmlDeviceGetName(Card *card, char *name, unsigned length) { return text(card, "name", name, length); }

int nvmlDeviceGetMemoryInfo_v2(Card *card, MemoryV2 *memory) {
    int code = number(card, "total", &memory->total);
    if (code == SUCCESS) code = number(card, "used", &memory->used);
    memory->reserved = 0;
    memory->free = memory->total - memory->used;
    return code;
}

int nvmlDeviceGetMemoryInfo(Card *card, Memory *memory) {
    MemoryV2 newer;
    int code = nvmlDeviceGetMemoryInfo_v2(card, &newer);
    memory->total = newer.total;
    memory->used = newer.used;
    memory->free = newer.free;
    return code;
}

int nvmlDeviceGetUtilizationRates(Card *card, Utilization *rates) {
    rates->memory = 0;
    return small_number(card, "utilization", &rates->gpu);
}

int nvmlDeviceGetTemperature(Card *card, unsigned sensor, unsigned *celsius) {
    (void)sensor;
    return small_number(card, "temperature", celsius);
}

int nvmlDeviceGetTemperatureV(Card *card, Temperature *temperature) {
    unsigned celsius = 0;
    int code = small_number(card, "temperature", &celsius);
    temperature->celsius = (int)celsius;
    return code;
}

int nvmlDeviceGetPowerUsage(Card *card, unsigned *milliwatts) { return small_number(card, "power", milliwatts); }

int nvmlDeviceGetEnforcedPowerLimit(Card *card, unsigned *milliwatts) {
    return small_number(card, "power_limit", milliwatts);
}

int nvmlDeviceGetTotalEccErrors(Card *card, unsigned kind, unsigned counter, unsigned long long *count) {
    (void)kind, (void)counter;
    return number(card, "ecc", count);
}

int nvmlDeviceGetCurrentClocksEventReasons(Card *card, unsigned long long *reasons) {
    return number(card, "slowdown", reasons);
}

/* As the driver says it: 0 is OK, 5 "not supported"; the capability asked for must be NVLink (2). */
int nvmlDeviceGetP2PStatus(Card *one, Card *other, unsigned capability, unsigned *status) {
    char uuid[LINE], key[LINE + 8], linked[LINE];
    int code = card_trouble(one->index);
    if (code == SUCCESS) code = reading(other, "uuid", uuid);
    if (code) return code;
    if (capability != 2) return INVALID;
    snprintf(key, sizeof key, "link %s", uuid);
    *status = reading(one, key, linked) == SUCCESS ? 0 : 5;
    return SUCCESS;
}

int nvmlDeviceGetMigMode(Card *card, unsigned *current, unsigned *pending) {
    int code = small_number(card, "mig", current);
    *pending = *current;
    return code;
}

/* Like NVML: the first call has no room and learns how much it needs, the second brings it. */
static int processes(Card *card, const char *kind, unsigned *count, Process *out) {
    char line[LINE], wanted[16], seen[16], error[LINE], value[LINE], bytes[64];
    unsigned index, pid, found = 0, room = out ? *count : 0;
    int code = card_trouble(card->index);
    FILE *file;
    if (code) return code;
    snprintf(wanted, sizeof wanted, "%u", card->index);
    snprintf(error, sizeof error, "error %s", kind);
    if (find(wanted, error, value)) return atoi(value);
    if (!(file = state())) return UNKNOWN;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%u %15s %u %63s", &index, seen, &pid, bytes) != 4 || index != card->index) continue;
        int vanishing = strcmp(seen, "vanishing") == 0 && strcmp(kind, "compute") == 0;
        if (vanishing && vanished[index] == pid) continue;
        if (!vanishing && strcmp(seen, kind) != 0) continue;
        if (found < room) {
            out[found] = (Process){pid, strcmp(bytes, "-") ? strtoull(bytes, NULL, 10) : ~0ULL, ~0U, ~0U};
            if (vanishing) vanished[index] = pid;
        }
        found++;
    }
    fclose(file);
    *count = found;
    return found > room ? INSUFFICIENT_SIZE : SUCCESS;
}

int nvmlDeviceGetComputeRunningProcesses_v3(Card *card, unsigned *count, Process *out) {
    return processes(card, "compute", count, out);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(Card *card, unsigned *count, Process *out) {
    return processes(card, "graphics", count, out);
}
