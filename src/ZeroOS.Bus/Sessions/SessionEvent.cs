using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Bus.Sessions;

/// <summary>What a peer says beside data: a <see cref="SessionFrameType.Note"/>, a <see cref="SessionFrameType.Resize"/> or a
/// <see cref="SessionFrameType.Signal"/>.</summary>
/// <param name="Channel">About which channel; a note may be about the session itself.</param>
/// <param name="Type">Which of the three.</param>
public readonly record struct SessionEvent(uint Channel, SessionFrameType Type)
{
    /// <summary>Of a note: the sentence, as the peer wrote it; not safe to show as it is.</summary>
    public string Sentence { get; init; } = "";

    /// <summary>Of a resize: columns and rows of the client's terminal.</summary>
    public (ushort Columns, ushort Rows) Size { get; init; }

    /// <summary>Of a signal: its number, as the client wrote it; 0 to 255.</summary>
    public int SignalNumber { get; init; }
}
