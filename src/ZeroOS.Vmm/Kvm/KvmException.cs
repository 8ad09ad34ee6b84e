namespace ZeroOS.Vmm.Kvm;

/// <summary>KVM refused, or is not what this monitor needs. The message is a sentence.</summary>
internal sealed class KvmException(string message) : Exception(message);
