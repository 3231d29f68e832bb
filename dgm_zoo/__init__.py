from dgm_zoo import models
