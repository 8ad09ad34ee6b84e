namespace ZeroOS.Init;

/// <summary>What a failed step means for the boot.</summary>
internal enum OnFailure
{
    /// <summary>Said, and the boot goes on.</summary>
    Continue,

    /// <summary>A node without it would be unsafe or useless: the boot ends with a restart.</summary>
    Halt,
}

/// <summary>One line of <see cref="BootSequence"/>.</summary>
internal sealed record BootStep(string Name, Action<Boot> Run, OnFailure OnFailure);

/// <summary>A step without which the boot cannot go on has failed.</summary>
internal sealed class BootException(string step, Exception cause) : Exception($"boot step {step} failed: {cause.Message}", cause);
