using ZeroOS.Linux;

namespace ZeroOS.Guest.Node;

/// <summary>Connects to the node; null with the reason when it is refused.</summary>
internal delegate StreamSocket? Dial(out Errno errno);
