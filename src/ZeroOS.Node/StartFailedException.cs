namespace ZeroOS.Node;

/// <summary>A step of the start failed; what it was is logged and on the screen already.</summary>
internal sealed class StartFailedException(string step, Exception why) : Exception($"step {step} failed: {why.Message}", why);
