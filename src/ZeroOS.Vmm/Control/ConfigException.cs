namespace ZeroOS.Vmm.Control;

/// <summary>The configuration was refused; the message is a sentence that names the field.</summary>
internal sealed class ConfigException(string message) : Exception(message);
