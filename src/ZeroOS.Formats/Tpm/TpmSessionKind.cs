namespace ZeroOS.Formats.Tpm;

/// <summary>What a session is for.</summary>
public enum TpmSessionKind
{
    /// <summary>Stands for a password.</summary>
    Hmac,

    /// <summary>Proves a policy.</summary>
    Policy,

    /// <summary>Proves nothing: computes a policy's digest.</summary>
    Trial,
}
