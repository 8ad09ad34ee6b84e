using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Guest.Sessions;

/// <summary>Where what comes on a <see cref="SessionLink"/> goes. Calls must not wait.</summary>
internal interface ISessionFrames
{
    /// <summary>
    /// A frame came that keeps to the protocol, on the receiving thread. Its body is gone when this returns. The session's close does not come here.
    /// </summary>
    void Take(in SessionFrame frame);

    /// <summary>The session is over.</summary>
    void Wake();
}
