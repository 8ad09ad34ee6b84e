namespace ZeroOS.Contracts.Guest;

/// <summary>Frame types. JSON payloads name their type; others are raw.</summary>
public enum GuestFrameType : byte
{
    /// <summary>Guest: <see cref="GuestHello"/>, first on each connection.</summary>
    Hello = 1,

    /// <summary>
    /// Node: <see cref="GuestProtocol.SecretBytes"/> bytes, the machine's secret, then <see cref="GuestSpec"/>; when the guest's hello says it has none. The
    /// guest answers with <see cref="Claim"/>. Until it does, no workload runs, and a guest that lost the connection may ask again.
    /// </summary>
    Spec = 2,

    /// <summary>Node: u64, the offset in the log stream from which it wants to hear on. Sent after
    /// every hello with the secret and after <see cref="Claim"/>. The first one is also the permission to start the workload.</summary>
    LogsFrom = 3,

    /// <summary>Guest: u64 offset, then output bytes. The stream is an <see cref="OutputStream"/>; both share one offset.</summary>
    Log = 4,

    /// <summary>Guest: <see cref="GuestStarted"/>.</summary>
    Started = 5,

    /// <summary>Guest: <see cref="GuestExited"/>; repeated on each connection until the node answers with <see cref="Acknowledge"/>.</summary>
    Exited = 6,

    /// <summary>Guest: <see cref="GuestFailure"/>: setting up failed, nothing ran; the guest powers off afterwards.</summary>
    Failed = 7,

    /// <summary>Node: <see cref="GuestStop"/>: stop signal, grace, then SIGKILL.</summary>
    Stop = 8,

    /// <summary>Node: i32 signal number for the workload.</summary>
    Signal = 9,

    /// <summary>Node: the exit is stored durably; the guest syncs its disks and powers off.</summary>
    Acknowledge = 10,

    /// <summary>Node: grow the file system of the disk whose serial is the payload (ASCII) to the device's size.</summary>
    GrowDisk = 11,

    /// <summary>Guest: the secret, once, after <see cref="Spec"/>: "I have it". From then on nobody without it is heard in this boot.</summary>
    Claim = 12,

    /// <summary>Node: <see cref="GuestSession"/>: dial for a session. Only after the workload has started.</summary>
    Session = 13,

    /// <summary>Guest: <see cref="GuestHealthReport"/>, on a connection on which <see cref="HealthWanted"/> came; the results that are kept first.</summary>
    Health = 14,

    /// <summary>
    /// Node: tell how the workload is, now and after each probe. Sent after <see cref="LogsFrom"/> to a guest whose spec has a check, so that a node that does
    /// not know of checks is never told of one.
    /// </summary>
    HealthWanted = 15,

    /// <summary>
    /// Node: tell once what the workload uses. Only after the workload has started, and not again on a connection before the answer: a guest that does not know
    /// the question ignores it.
    /// </summary>
    UseWanted = 16,

    /// <summary>Guest: <see cref="GuestUse"/>, once for each <see cref="UseWanted"/>.</summary>
    Use = 17,
}
