namespace ZeroOS.Formats.Tpm;

/// <summary>What the TPM refused: its response code under the specification's name (TPM 2.0 Part 2, 6.6).</summary>
public sealed class TpmErrorException(TpmCommandCode command, uint responseCode)
    : TpmException($"the TPM refuses {command}: {TpmResponseCodes.Describe(responseCode)}")
{
    /// <summary>The command.</summary>
    public TpmCommandCode Command { get; } = command;

    /// <summary>The code as it came, with the number of the handle, session or parameter in it.</summary>
    public uint ResponseCode { get; } = responseCode;

    /// <summary>The error without that number.</summary>
    public TpmError Error { get; } = TpmResponseCodes.ErrorOf(responseCode);
}
