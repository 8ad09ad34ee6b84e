namespace ZeroOS.Contracts.Doors;

/// <summary>What a link carries at most. A door that goes beyond is broken.</summary>
public static class DoorLimits
{
    /// <summary>Requests whose answer has not begun, or that are no stream and have not ended.</summary>
    public const int Asked = 64;

    /// <summary>Of those, requests of owners only.</summary>
    public const int ReservedAsked = 16;

    /// <summary>Of those, requests of people without a role.</summary>
    public const int StrangersAsked = 8;

    /// <summary>Of those, requests of one key.</summary>
    public const int AskedPerKey = 8;

    /// <summary>Bytes of envelopes whose answer has not begun.</summary>
    public const int AskedBytes = 16 << 20;

    /// <summary>Streams, beside the requests.</summary>
    public const int Streams = 256;

    /// <summary>Bytes of an envelope that still travel in the message.</summary>
    public const int InlineBytes = 32 * 1024;

    /// <summary>Bytes of a part of an answer.</summary>
    public const int PieceBytes = 32 * 1024;

    /// <summary>Bytes of one answer that are on their way at most; the door returns them as they leave.</summary>
    public const int WindowBytes = 64 * 1024;

    /// <summary>How long a door may take to hand over the connection of somebody who gets a session.</summary>
    public static readonly TimeSpan HandWithin = TimeSpan.FromSeconds(10);

    /// <summary>Bytes of all answers that wait for room in the socket; beyond that the door does not read and is broken.</summary>
    public const int QueueBytes = 8 << 20;
}
